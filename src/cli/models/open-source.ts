import type { CheckpointFolder } from "#weights/checkpoint/checkpoint-folder.ts";
import { httpCheckpoint } from "#weights/checkpoint/http-checkpoint.ts";
import { type FetchingOptions, storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { findRevision, type Hub, hubCheckpoint } from "#weights/remote/hub.ts";
import type { CommandIo } from "../command.ts";
import { openTarget } from "../convert/location.ts";
import { type ModelSource, sourceText } from "./source.ts";

/** A source whose files can be read. */
export interface OpenedSource {
  readonly folder: CheckpointFolder;
  /** Where it is, for people and for records; of a hub with its commit. */
  readonly label: string;
  /** Of a hub: 40 hex digits that name the state of all files. */
  readonly commit?: string;
}

export interface OpenContext extends Pick<CommandIo, "cwd" | "env" | "signal"> {
  /** Called for the hub's settings only where one is asked. */
  readonly hub: () => Hub;
  readonly fetching: FetchingOptions;
}

/** Connections to a hub, a bucket or a web server: as many as the hub's own tools take. Source: huggingface_hub, `snapshot_download`. */
const CONNECTIONS = 8;

/** Opens a model's source; of a hub's revision it finds out the commit first. Throws WeightsError and UsageError as its parts do. */
export async function openModelSource(
  source: ModelSource,
  { hub, fetching, signal, ...place }: OpenContext,
): Promise<OpenedSource> {
  const label = sourceText(source);
  const remote = { connections: CONNECTIONS, ...fetching };
  switch (source.kind) {
    case "hub": {
      const asked = hub();
      const found = await findRevision(asked, source.id, source.revision, remote, signal);
      return {
        folder: hubCheckpoint(asked, found, remote),
        label: `${source.id}@${found.commit}`,
        commit: found.commit,
      };
    }
    case "web":
      return { folder: httpCheckpoint(source.url, remote), label };
    case "folder":
      return { folder: storedCheckpoint(openTarget(source.path, place), fetching), label };
    case "bucket":
      return { folder: storedCheckpoint(openTarget(source.address, place), remote), label };
    default:
      return source satisfies never;
  }
}
