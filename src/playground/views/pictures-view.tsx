import { useRef, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";
import { bytesText } from "../parts/bytes-text.ts";
import type { Arrival, Extent, Picture } from "../pictures/picture.ts";
import { CameraView } from "./camera-view.tsx";

/** Pictures to begin with, those first that most can be said of: files of `/samples/`, in words for those who do not see them. */
const samples = [
  { file: "apple-and-guitar.png", words: "an apple and a guitar" },
  { file: "dog-and-bus.png", words: "a dog and a bus" },
  { file: "cup.jpg", words: "a cup of coffee, photographed" },
  { file: "cat.jpg", words: "a cat, photographed" },
] as const;

export interface PicturesViewProps {
  readonly pictures: readonly Picture[];
  /** Those that are on their way. */
  readonly arriving: readonly Arrival[];
  readonly actions: Actions;
  /** How many one question may have. */
  readonly limit: number;
}

/** Where pictures come in: dropped, pasted, chosen, from the camera, by address, or one of the samples. */
export function PicturesView({
  pictures,
  arriving,
  actions,
  limit,
}: PicturesViewProps): JSX.Element {
  const addAll = (files: Iterable<File>): void => {
    for (const file of files) void actions.addFile(file, file.name);
  };
  const isAnew = (id: number): boolean => pictures.some((picture) => picture.id === id);
  const coming = arriving.filter(({ id }) => !isAnew(id));
  const count = pictures.length + coming.length;
  const isFull = count >= limit;
  return (
    <fieldset class="pictures">
      <legend>Picture</legend>
      <div class="drop">
        {count > 0 && (
          <ul class="shown">
            {pictures.map((picture) => (
              <PictureItem picture={picture} onRemove={() => actions.removePicture(picture.id)} />
            ))}
            {coming.map(({ id, name }) => (
              <ComingItem name={name} onRemove={() => actions.removePicture(id)} />
            ))}
          </ul>
        )}
        {isFull ? null : <Sources addAll={addAll} actions={actions} isFirst={count === 0} />}
      </div>
      {count === 0 && <Samples actions={actions} />}
    </fieldset>
  );
}

interface SourcesProps {
  readonly addAll: (files: Iterable<File>) => void;
  readonly actions: Actions;
  readonly isFirst: boolean;
}

function Sources({ addAll, actions, isFirst }: SourcesProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [isAddressed, setAddressed] = useState(false);
  const [isFilming, film] = useState(false);
  return (
    <div class="sources">
      {isFirst && <p class="invite">Drop or paste a picture here</p>}
      <div class="row">
        <button type="button" onClick={() => input.current?.click()}>
          {isFirst ? "Choose a file" : "Another"}
        </button>
        <button type="button" onClick={() => film(true)}>
          Camera
        </button>
        <button
          type="button"
          aria-expanded={isAddressed ? "true" : "false"}
          onClick={() => setAddressed(!isAddressed)}
        >
          Address
        </button>
      </div>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        class="unseen"
        tabIndex={-1}
        aria-label="Picture files"
        onChange={(event: Event) => {
          const chosen = event.currentTarget as HTMLInputElement;
          addAll([...(chosen.files ?? [])]);
          chosen.value = "";
        }}
      />
      {isAddressed && (
        <AddressForm
          onAddress={(url) => {
            actions.addAddress(url);
            setAddressed(false);
          }}
        />
      )}
      {isFilming && (
        <CameraView
          onClose={() => film(false)}
          onPicture={(file) => void actions.addFile(file, "camera.jpg")}
        />
      )}
    </div>
  );
}

function AddressForm({ onAddress }: { readonly onAddress: (url: string) => void }): JSX.Element {
  return (
    <form
      class="row address"
      onSubmit={(event: Event) => {
        event.preventDefault();
        const url = new FormData(event.currentTarget as HTMLFormElement).get("url");
        if (typeof url === "string" && url !== "") onAddress(url);
      }}
    >
      <label class="unseen" for="address">
        Address of a picture
      </label>
      <input id="address" name="url" type="url" required placeholder="https://…" />
      <button type="submit">Add</button>
      <p class="fine">The service fetches it; this page does not load it.</p>
    </form>
  );
}

function Samples({ actions }: { readonly actions: Actions }): JSX.Element {
  return (
    <div class="samples">
      <span class="fine">or begin with</span>
      {samples.map(({ file, words }) => (
        <button
          type="button"
          class="sample"
          aria-label={`Sample: ${words}`}
          onClick={() => void actions.addSample(file)}
        >
          <img src={`/samples/${file}`} alt="" width="44" height="44" />
        </button>
      ))}
    </div>
  );
}

interface PictureItemProps {
  readonly picture: Picture;
  readonly onRemove: () => void;
}

function PictureItem({ picture, onRemove }: PictureItemProps): JSX.Element {
  const { name, preview, sizes } = picture;
  return (
    <li class="picture">
      {preview === null ? (
        <span class="afar" aria-hidden="true">
          URL
        </span>
      ) : (
        <img src={preview} alt={name} />
      )}
      <div class="about">
        <span class="name">{name}</span>
        <span class="fine">{sizes === null ? "fetched by the service" : sizesText(sizes)}</span>
      </div>
      <button type="button" class="quiet" aria-label={`Remove ${name}`} onClick={onRemove}>
        Remove
      </button>
    </li>
  );
}

function ComingItem({
  name,
  onRemove,
}: {
  readonly name: string;
  readonly onRemove: () => void;
}): JSX.Element {
  return (
    <li class="picture">
      <span class="afar" aria-hidden="true">
        …
      </span>
      <div class="about">
        <span class="name">{name}</span>
        <span class="fine">being made ready …</span>
      </div>
      <button type="button" class="quiet" aria-label={`Cancel ${name}`} onClick={onRemove}>
        Cancel
      </button>
    </li>
  );
}

/** What became of the bytes, as a person reads it. */
function sizesText({ before, after }: { readonly before: Extent; readonly after: Extent }): string {
  if (before.bytes === after.bytes) return `${extentText(before)}, sent as it is`;
  return `${extentText(before)} → ${extentText(after)}: what the model sees`;
}

function extentText({ width, height, bytes }: Extent): string {
  return `${width} × ${height}, ${bytesText(bytes)}`;
}
