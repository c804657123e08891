/** The package that calls C: optional, and loaded when something asks for it. */
export type Koffi = typeof import("koffi")["default"];

/** Loads it. Throws an Error that says how to get it. */
export async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import("koffi")).default;
  } catch (cause) {
    throw new Error("the package koffi is not installed, which calls C: npm install", { cause });
  }
}

/**
 * Opens a library until the process ends. koffi closes its own as the process or its thread ends, before the handlers that they have
 * left to be run at the very end: with the CUDA provider that was a segmentation fault in place of the exit code. A library that has
 * been opened once more stays. Source: dlopen(3), RTLD_LAZY.
 */
export function openLibrary(koffi: Koffi, libraryPath: string): ReturnType<Koffi["load"]> {
  let library: ReturnType<Koffi["load"]>;
  try {
    library = koffi.load(libraryPath);
  } catch (cause) {
    throw new Error(`${libraryPath} cannot be opened`, { cause });
  }
  if (process.platform !== "win32") {
    koffi.load(null).func("dlopen", "void *", ["str", "int"])(libraryPath, 1);
  }
  return library;
}
