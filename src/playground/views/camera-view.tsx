import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import { PictureError } from "../pictures/reduce.ts";

export interface CameraViewProps {
  /** Given at once: the picture is on its way from then on. Rejects with PictureError. */
  readonly onPicture: (file: Promise<Blob>) => void;
  readonly onClose: () => void;
}

/** The camera's picture, live, and the button that takes it. Where there is no camera, it says why and what helps. */
export function CameraView({ onPicture, onClose }: CameraViewProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    let stream: MediaStream | null = null;
    let isLeft = false;
    openCamera().then(
      (opened) => {
        stream = opened;
        if (isLeft) return stopAll(opened);
        if (video.current !== null) video.current.srcObject = opened;
      },
      (cause: unknown) => setProblem(cameraProblem(cause)),
    );
    return () => {
      isLeft = true;
      if (stream !== null) stopAll(stream);
    };
  }, []);
  const take = (): void => {
    if (video.current !== null) onPicture(still(video.current));
    onClose();
  };
  return (
    <dialog ref={dialog} class="camera" aria-label="Camera" onClose={onClose}>
      {problem === null ? (
        <video ref={video} autoplay playsinline muted />
      ) : (
        <p role="alert">{problem}</p>
      )}
      <div class="row">
        {problem === null && (
          <button type="button" class="main" onClick={take}>
            Take the picture
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </dialog>
  );
}

async function openCamera(): Promise<MediaStream> {
  // Pages without TLS, apart from this machine's own, have none.
  if (navigator.mediaDevices === undefined) throw new DOMException("no TLS", "SecurityError");
  return await navigator.mediaDevices.getUserMedia({
    video: { facingMode: { ideal: "environment" } },
    audio: false,
  });
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function cameraProblem(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : "";
  switch (name) {
    case "NotAllowedError":
      return "The browser was not allowed to use the camera. Allow it beside the address, then open the camera again.";
    case "SecurityError":
      return "Browsers give the camera to pages with TLS only. Take the picture with the camera's own app, then choose the file.";
    case "NotReadableError":
      return "Another program is using the camera. Close it there, then open the camera again.";
    default:
      return "There is no camera on this device. Choose a file, or drop one.";
  }
}

const JPEG_QUALITY = 0.95;

async function still(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  if (canvas.width === 0) throw new PictureError("unreadable");
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const file = await new Promise<Blob | null>((resolve) =>
    canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY),
  );
  if (file === null) throw new PictureError("unreadable");
  return file;
}
