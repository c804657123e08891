/**
 * Whether everything is tried, by `npm run test:full`. `npm test` takes a named slice of what takes long: whoever reads this has a part
 * of infra/local/full-parts.ts that runs it in whole.
 */
export const isFull = process.env["TEST_FULL"] === "1";
