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

/** What a screen of text needs to stay sharp. */
const BITS_PER_SECOND = 2_500_000;

/** Films a page: the browser itself writes the film, so that no machine needs a tool for it. */
export async function film(browser: Browser, page: Page, extent: Extent): Promise<Camera> {
  const session: CDPSession = await page.context().newCDPSession(page);
  const shots: Shot[] = [];
  let title = "";
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    shots.push({ picture: data, at: metadata.timestamp ?? Date.now() / 1000, title });
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
    const base64 = await page.evaluate(playAndRecord, {
      ...{ frames, extent },
      bitsPerSecond: BITS_PER_SECOND,
    });
    return Buffer.from(base64, "base64");
  } finally {
    await context.close();
  }
}

interface Playing {
  readonly frames: readonly {
    readonly picture: string;
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
  const images = await Promise.all(
    frames.map(async ({ picture }) => {
      const image = new Image();
      image.src = `data:image/jpeg;base64,${picture}`;
      await image.decode();
      return image;
    }),
  );
  const draw = (index: number): void => {
    const image = images[index];
    if (image === undefined) return;
    context.fillStyle = "#14130f";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, extent.width, extent.height);
    context.fillStyle = "#f0ede4";
    context.font = "500 22px Georgia, serif";
    context.fillText(frames[index]?.title ?? "", 24, extent.height + 36);
  };
  draw(0);
  recorder.start();
  for (const [index, { ms }] of frames.entries()) {
    draw(index);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
