/** The names under which the client is installed, and where their source lies, from the repository's root. */
export const published: Readonly<Record<string, string>> = {
  unmask: "src/client/package/index.ts",
  "unmask/admin": "src/client/admin.ts",
  "unmask/ai-sdk": "src/client/ai-sdk/provider.ts",
  "unmask/webhooks": "src/client/webhooks.ts",
};
