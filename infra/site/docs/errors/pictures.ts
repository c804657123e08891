import type { AdviceOf, PictureKind } from "./advice.ts";

/** Of what may be wrong with a picture. */
export const pictureAdvice: AdviceOf<PictureKind> = {
  image_unsupported: {
    happened: "The file is no picture, or of a kind that is not read.",
    todo: "Send JPEG, PNG, WebP, GIF or AVIF. Phones often keep HEIC: have the app hand out JPEG. What counts is the file's content, not its name.",
  },
  image_heic: {
    happened:
      "The file is a picture in HEIC, which iPhones keep photographs in, and which is not read here.",
    todo: "Hand out JPEG: on iOS ask the photo picker for a compatible representation, in a browser draw it on a canvas, elsewhere save it as JPEG. Made smaller at the same time it is sent faster, and shows the model as much ([how large](/docs/quickstarts/upload-once)).",
  },
  image_truncated: {
    happened:
      "The file begins as a picture and ends before its last pixel: an upload that was cut, most often.",
    todo: "Send the whole file. If it was written by a program, wait until it is closed; if it came over the network, compare its size with the original's.",
  },
  image_too_large: {
    happened:
      "The picture has more pixels, or a longer side, than is decoded here; or all pictures of one question have too many together.",
    todo: "Scale it down before sending. Nothing is lost: the model looks at pictures in the size that its card says.",
  },
  image_bomb: {
    happened:
      "The picture claims to have far more pixels than its few bytes can hold: a file made to fill a server's memory, or a damaged header.",
    todo: "Save the picture again with another program. A real photograph never looks like that.",
  },
  image_file_too_large: {
    happened: "One picture's file has more bytes than are taken.",
    todo: "Scale it down, or save it as JPEG with a quality of 80: the model sees no difference.",
  },
  image_fetch_timeout: {
    happened: "The picture's address did not give all of the file within the time that we wait.",
    todo: "Try again, or send the file itself, which is faster in any case.",
  },
  image_fetch_blocked: {
    happened:
      "The address is one that is never fetched: not https, in a private network, or a redirect to such a place.",
    todo: "Give a public https address without a port of its own, or send the file. `npm start` may be told otherwise for addresses of your own machine ([settings](/docs/settings)).",
  },
  image_fetch_refused: {
    happened: "The picture's host says no: it is not there, or not for everybody.",
    todo: "Open the address in a private window of a browser. Signed addresses expire: make a new one, or send the file.",
  },
  image_fetch_failed: {
    happened: "The picture's host failed, or could not be reached. Another time it may work.",
    todo: "Try again in a moment, or send the file.",
  },
  image_not_found: {
    happened:
      "The question names an uploaded picture that this account has not uploaded, or whose time is over.",
    todo: "Upload it again (`POST /v1/images`): the same file gets the same id. A client token sees what it or its subject uploaded.",
  },
  images_not_supported: {
    happened: "The model that was asked reads text only.",
    todo: "Send no picture, or name a model whose `image` is not null in `GET /v1/models`.",
  },
};
