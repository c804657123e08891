import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";
import type { PrivateState } from "../private/desk.ts";
import type { LoadFault, LoadProgress } from "../private/protocol.ts";
import { modelOf, type State } from "../state.ts";

/** The switch *ask without sending*: what it takes, how far it is, what is kept on this device. */
export function PrivateView({
  state,
  actions,
}: {
  readonly state: State;
  readonly actions: Actions;
}): JSX.Element | null {
  const { isOn, phase, keptBytes, isOffline } = state.private;
  const model = modelOf(state);
  if (model === null) return null;
  const isBusy = state.run?.isShowing === true;
  const isHeld = state.draft.wants === "values" && !isOn;
  return (
    <div class="private">
      <label class="row">
        <input
          type="checkbox"
          checked={isOn}
          disabled={isBusy || isHeld || (!model.downloadable && !isOn)}
          aria-describedby="private-state"
          onChange={(event: Event) =>
            void actions.setPrivate((event.currentTarget as HTMLInputElement).checked)
          }
        />
        Ask without sending
      </label>
      <p class="fine" id="private-state">
        {!model.downloadable
          ? "This model's weights are not given out: it can only be asked by sending."
          : isHeld
            ? "On this device only words are answered: values are read by sending."
            : stateText(state.private)}
      </p>
      {isOn && phase.kind === "loading" && <Loading load={phase.load} actions={actions} />}
      {phase.kind === "failed" && (
        <div class="row fine">
          <p class="wrong" role="alert">
            {faultText(phase.fault)}
          </p>
          <button type="button" class="quiet" onClick={() => void actions.setPrivate(true)}>
            Try again
          </button>
        </div>
      )}
      {isOn && isOffline && phase.kind === "ready" && (
        <p class="fine">This device is offline. Questions are answered here all the same.</p>
      )}
      {keptBytes !== null && phase.kind !== "loading" && (
        <p class="row fine">
          {megabytes(keptBytes)} kept on this device, with this page's own files
          <button
            type="button"
            class="quiet"
            disabled={isBusy}
            onClick={() => void actions.removePrivate()}
          >
            Remove
          </button>
        </p>
      )}
    </div>
  );
}

function Loading({
  load,
  actions,
}: {
  readonly load: LoadProgress | null;
  readonly actions: Actions;
}): JSX.Element {
  return (
    <div class="row fine">
      <progress
        aria-label="Model on its way to this device"
        max={load?.totalBytes ?? 1}
        value={load?.doneBytes ?? 0}
      />
      <span>{load === null ? "looking what is here …" : progressText(load)}</span>
      <button type="button" class="quiet" onClick={() => void actions.cancelPrivate()}>
        Cancel
      </button>
    </div>
  );
}

function stateText({ phase, keptBytes }: PrivateState): string {
  switch (phase.kind) {
    case "loading":
      return "The model comes to this device. If you leave, it goes on from here next time.";
    case "ready": {
      const { provider, isKept, mended } = phase.loaded;
      const where = provider === "webgpu" ? "on this device's GPU" : "on this device's processor";
      const kept = isKept ? "" : " There is no room to keep it: it is gone when you leave.";
      const again = mended === 0 ? "" : " A part of it was damaged here and was fetched again.";
      return `The picture and the question stay here: the answer is made ${where}.${kept}${again} PNG is read as the service reads it; other pictures by this browser, which may see a shade otherwise.`;
    }
    default:
      return keptBytes === null
        ? "The model comes to this device once, and the picture never leaves it."
        : "The model is here already, and the picture never leaves this device.";
  }
}

function progressText({ doneBytes, totalBytes, etaSeconds, receivedBytes }: LoadProgress): string {
  const amount = `${megabytes(doneBytes)} of ${megabytes(totalBytes)}`;
  if (doneBytes >= totalBytes) return `${amount}, getting ready …`;
  const source = receivedBytes === 0 && doneBytes > 0 ? " from this device" : "";
  return Number.isFinite(etaSeconds)
    ? `${amount}${source}, ${timeText(etaSeconds)} left`
    : `${amount}${source}`;
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** Decimal, as devices and networks count. */
function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function faultText(fault: LoadFault): string {
  switch (fault.kind) {
    case "offline":
      return "The model could not be fetched whole: the service cannot be reached. What has arrived is kept; try again when the network is back.";
    case "not_downloadable":
      return "This service does not give this model's weights out, or does not have them any more. It can only be asked by sending: switch this off for that.";
    case "pass_over":
      return "This page's pass is over, and the model is not whole on this device. Get a new pass, then try again.";
    case "too_large":
      return "The model is larger than this browser can hold. A browser with WebGPU may have room for it; switch this off to ask by sending meanwhile.";
    case "too_old":
      return "This browser lacks what it takes to compute here. Switch this off to ask by sending, or take a newer one.";
    default:
      return `The model could not be loaded here (${fault.message}). Remove what is kept and try again, or switch this off to ask by sending.`;
  }
}
