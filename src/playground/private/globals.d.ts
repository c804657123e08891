/** Addresses of the site's own files, which change with what is in them: put in when the site is built (infra/site/private.ts). */
declare const PRIVATE_WORKER: string;
declare const ORT_WASM: string;
declare const ORT_WEBGPU_WASM: string;
declare const RESIZE_WASM: string;
declare const LAYER_WASM: string;
declare const LAYER_PLAIN_WASM: string;
