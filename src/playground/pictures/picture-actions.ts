import { fail, type Page } from "../browser.ts";
import type { Models } from "../models.ts";
import { modelOf } from "../state.ts";
import { type Arrival, nextPictureId, type Picture } from "./picture.ts";
import { addressedPicture, PictureError, takePicture } from "./reduce.ts";

/** What a person can do about the pictures of a question. */
export interface PictureActions {
  addFile(file: Blob | Promise<Blob>, name: string): Promise<void>;
  addSample(name: string): Promise<void>;
  addAddress(url: string): void;
  /** Takes a picture out, also one that is still on its way. */
  removePicture(id: number): void;
  /** Puts other pictures in the place of all there are. */
  replacePictures(pictures: readonly Picture[], samples: readonly string[]): Promise<void>;
  /** Makes the pictures anew, as large as the model that is asked now looks at them. */
  retakePictures(): Promise<void>;
}

/** A picture to be made small. */
interface Order extends Arrival {
  readonly load: () => Blob | Promise<Blob>;
  readonly sample: string | null;
}

/**
 * A picture is on its way from the moment it is chosen until it stands in the question, and the question waits for it. Pictures stand in
 * the order in which they were chosen, whichever was ready first.
 */
export function pictureActions(page: Page, models: Models): PictureActions {
  const { store } = page;
  const take = async (order: Order): Promise<void> => {
    // Who has taken it out meanwhile, or asked for it anew, waits for this one no longer.
    const isAwaited = (): boolean => store.get().arriving.includes(order);
    const land = (picture: Picture | null): void => {
      if (!isAwaited()) return;
      store.update(({ arriving, draft, quote }) => ({
        arriving: arriving.filter((one) => one !== order),
        ...(picture === null
          ? {}
          : { draft: { ...draft, pictures: placed(draft.pictures, picture) } }),
        quote: picture === null ? quote : null,
      }));
    };
    try {
      const file = await order.load();
      await models.known();
      const image = modelOf(store.get())?.image ?? null;
      land(await takePicture(file, order, image));
    } catch (cause) {
      if (isAwaited()) fail(page, cause);
      land(null);
    }
  };
  const begin = async (orders: readonly Order[]): Promise<void> => {
    store.update(({ arriving }) => ({
      arriving: [...arriving, ...orders],
      quote: null,
      trouble: null,
    }));
    await Promise.all(orders.map(take));
  };
  return {
    addFile: (file, name) => begin([{ id: nextPictureId(), name, load: () => file, sample: null }]),
    addSample: (name) => begin([sampleOrder(name)]),
    addAddress: (url) =>
      store.update(({ draft }) => ({
        quote: null,
        draft: { ...draft, pictures: [...draft.pictures, addressedPicture(url)] },
      })),
    removePicture: (id) =>
      store.update(({ arriving, draft }) => ({
        quote: null,
        arriving: arriving.filter((one) => one.id !== id),
        draft: { ...draft, pictures: draft.pictures.filter((one) => one.id !== id) },
      })),
    async replacePictures(pictures, samples) {
      store.update(({ draft }) => ({ arriving: [], draft: { ...draft, pictures } }));
      await begin(samples.map(sampleOrder));
    },
    retakePictures: () =>
      begin(
        store.get().draft.pictures.flatMap(({ id, name, original, sample }) => {
          return original === null ? [] : [{ id, name, load: () => original, sample }];
        }),
      ),
  };
}

/** Lays a picture where its number belongs: in the place of an earlier making of it, if there is one. */
function placed(pictures: readonly Picture[], picture: Picture): readonly Picture[] {
  const others = pictures.filter(({ id }) => id !== picture.id);
  return [...others, picture].toSorted((one, other) => one.id - other.id);
}

function sampleOrder(name: string): Order {
  const load = async (): Promise<Blob> => {
    try {
      const response = await fetch(`/samples/${name}`);
      if (response.ok) return await response.blob();
    } catch (cause) {
      throw new PictureError("away", cause);
    }
    throw new PictureError("away");
  };
  return { id: nextPictureId(), name, load, sample: name };
}
