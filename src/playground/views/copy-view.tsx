import { useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Draft } from "../asking/draft.ts";
import { linkProblem, permalink } from "../asking/permalink.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { writeCurl } from "../snippets/curl.ts";
import { writeKotlin } from "../snippets/kotlin.ts";
import { writePython } from "../snippets/python.ts";
import { shownRequest, type Writer } from "../snippets/request.ts";
import { writeSwift } from "../snippets/swift.ts";
import { writeTypescript } from "../snippets/typescript.ts";

const languages: readonly { readonly id: string; readonly name: string; readonly write: Writer }[] =
  [
    { id: "curl", name: "curl", write: writeCurl },
    { id: "typescript", name: "TypeScript", write: writeTypescript },
    { id: "python", name: "Python", write: writePython },
    { id: "swift", name: "Swift", write: writeSwift },
    { id: "kotlin", name: "Kotlin", write: writeKotlin },
  ];

export interface CopyViewProps {
  readonly draft: Draft;
  readonly baseUrl: string;
  /** What the request is not whole without, in words; null where it is. */
  readonly waits: string | null;
}

/** Exactly this request, in five languages: to be copied, with the pictures as they are sent to be saved beside it. */
export function CopyView({ draft, baseUrl, waits }: CopyViewProps): JSX.Element {
  const [chosen, choose] = useState("curl");
  const language = languages.find(({ id }) => id === chosen) ?? languages[0];
  const code = language?.write(shownRequest(draft, baseUrl)) ?? "";
  const unlinked = linkProblem(draft);
  const files = draft.pictures.filter(({ file }) => file !== null);
  return (
    <section class="card copy" aria-labelledby="copy-title">
      <div class="row">
        <h2 id="copy-title">This request, as</h2>
        <Tabs {...{ chosen, choose }} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it with the keys (WCAG 2.1.1). */}
      <div id="copy-code" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${chosen}`}>
        <pre>
          <code>{code}</code>
        </pre>
      </div>
      <div class="row">
        <CopyButton text={code} name="Copy" isReady={waits === null} />
        <CopyButton
          text={unlinked === null ? permalink(draft, baseUrl) : ""}
          name="Copy a link"
          isReady={waits === null && unlinked === null}
        />
        {(waits ?? unlinked) !== null && <p class="fine">{waits ?? unlinked}</p>}
        {files.map(({ file, preview }) => (
          <a class="fine" href={preview ?? ""} download={file ?? ""}>
            Save {file}
          </a>
        ))}
        <p class="fine">
          The key is read from <code>UNMASK_KEY</code>. The link has the question and its options,
          never a picture of yours.
        </p>
      </div>
    </section>
  );
}

interface TabsProps {
  readonly chosen: string;
  readonly choose: (id: string) => void;
}

/** Source of the keys: WAI-ARIA Authoring Practices, "Tabs". */
function Tabs({ chosen, choose }: TabsProps): JSX.Element {
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (move === 0) return;
    const place = languages.findIndex(({ id }) => id === chosen);
    const next = languages[(place + move + languages.length) % languages.length];
    if (next === undefined) return;
    event.preventDefault();
    choose(next.id);
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Language" onKeyDown={onKeyDown}>
      {languages.map(({ id, name }) => (
        <button
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={id === chosen ? "true" : "false"}
          aria-controls="copy-code"
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => choose(id)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
