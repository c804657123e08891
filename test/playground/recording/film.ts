import type { Browser, CDPSession, Page } from "playwright-core";

/** What was on the screen from a moment on. */
interface Shot {
  /** JPEG, base64. */
  readonly picture: string;
  /** Seconds, on the browser's clock. */
  readonly at: number;
  readonly title: string;
}

/** A page that is being filmed. */
export interface Camera {
  /** What stands under the pictures from here on. */
  title(words: string): void;
  /** Ends the filming; resolves to the film, WebM. */
  develop(): Promise<Buffer>;
}

export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Nobody watches a page that stands still for longer. */
const LONGEST_STILL_MS = 1_200;

/** The film has 25 pictures a second: what changes faster is seen as it ends. */
const SHORTEST_SECONDS = 1 / 25;

/** A pipe to the browser is closed by a message of some hundred megabytes: so many characters of pictures go in one. */
const MESSAGE_LENGTH = 8_000_000;

/** What a screen of text needs to stay sharp. */
const BITS_PER_SECOND = 2_500_000;

/** Films a page: the browser itself writes the film, so that no machine needs a tool for it. */
export async function film(browser: Browser, page: Page, extent: Extent): Promise<Camera> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const shots: Shot[] = [];
  let title = "";
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    const at = metadata.timestamp ?? Date.now() / 1000;
    const last = shots.at(-1);
    const isSoon = last?.title === title && at - last.at < SHORTEST_SECONDS;
    if (isSoon) shots[shots.length - 1] = { ...last, picture: data };
    else shots.push({ picture: data, at, title });
    void session.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  const { width: maxWidth, height: maxHeight } = extent;
  const roll = async (): Promise<void> => {
    await session.send("Page.startScreencast", {
      format: "jpeg",
      quality: 90,
      maxWidth,
      maxHeight,
    });
  };
  // A document that another process of the browser shows is not filmed by itself.
  page.on("domcontentloaded", async () => {
    await session.send("Page.stopScreencast");
    await roll();
  });
  await roll();
  return {
    title(words) {
      title = words;
    },
    async develop() {
      await session.send("Page.stopScreencast");
      return await written(browser, shots, extent);
    },
  };
}

/** Plays the shots on a canvas in a page of their own, and keeps what its recorder makes of them. */
async function written(browser: Browser, shots: readonly Shot[], extent: Extent): Promise<Buffer> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const frames = shots.map(({ picture, title, at }, index) => ({
      ...{ picture, title },
      ms: Math.min(LONGEST_STILL_MS, ((shots[index + 1]?.at ?? at + 2) - at) * 1000),
    }));
    for (const pictures of parcels(frames.map(({ picture }) => picture)))
      await page.evaluate(takePictures, pictures);
    const base64 = await page.evaluate(playAndRecord, {
      frames: frames.map(({ title, ms }) => ({ title, ms })),
      ...{ extent, bitsPerSecond: BITS_PER_SECOND },
    });
    return Buffer.from(base64, "base64");
  } finally {
    await context.close();
  }
}

/** Cuts a list into pieces that a message takes. */
function parcels(pictures: readonly string[]): string[][] {
  const cut: string[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const picture of pictures) {
    length += picture.length;
    if (length > MESSAGE_LENGTH) {
      cut.push([]);
      length = picture.length;
    }
    cut.at(-1)?.push(picture);
  }
  return cut;
}

/** The page's window, with the pictures that it has been given. */
type Cutting = typeof globalThis & { pictures?: string[] };

/** Runs in the browser, with nothing of this module around it. */
function takePictures(more: readonly string[]): void {
  const window = globalThis as Cutting;
  window.pictures = [...(window.pictures ?? []), ...more];
}

interface Playing {
  readonly frames: readonly {
    readonly title: string;
    readonly ms: number;
  }[];
  readonly extent: Extent;
  readonly bitsPerSecond: number;
}

/** Runs in the browser, with nothing of this module around it. */
async function playAndRecord({ frames, extent, bitsPerSecond }: Playing): Promise<string> {
  const bar = 56;
  const canvas = document.createElement("canvas");
  canvas.width = extent.width;
  canvas.height = extent.height + bar;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws nothing");
  const recorder = new MediaRecorder(canvas.captureStream(25), {
    mimeType: "video/webm",
    videoBitsPerSecond: bitsPerSecond,
  });
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  // One at a time: a quick machine films thousands of pictures, and all of them decoded are gigabytes.
  const decoded = async (index: number): Promise<HTMLImageElement | undefined> => {
    const picture = (globalThis as Cutting).pictures?.[index];
    if (picture === undefined) return undefined;
    const image = new Image();
    image.src = `data:image/jpeg;base64,${picture}`;
    await image.decode();
    return image;
  };
  const draw = (image: HTMLImageElement, title: string): void => {
    context.fillStyle = "#14130f";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, extent.width, extent.height);
    context.fillStyle = "#f0ede4";
    context.font = "500 22px Georgia, serif";
    context.fillText(title, 24, extent.height + 36);
  };
  let image = await decoded(0);
  let dueAt = performance.now();
  for (const [index, { title, ms }] of frames.entries()) {
    if (image !== undefined) draw(image, title);
    if (recorder.state === "inactive") recorder.start();
    image = await decoded(index + 1);
    dueAt += ms;
    const early = dueAt - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  }
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
