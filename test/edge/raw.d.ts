declare module "*?raw" {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Vite's: the default exports of all files that match, by path. */
  glob(
    pattern: string,
    options: { readonly query: string; readonly import: "default"; readonly eager: true },
  ): Record<string, string>;
}
