// Prints the documentation as it is built, for tests: making it needs Node's own module loader, since it reads the edge's routes.

import { docsFiles, readDocs } from "../../infra/site/docs/pages.ts";

const site = { asset: (name: string) => `/assets/${name}` };
const { pages, description } = await readDocs();
const files = (await docsFiles(site)).map(({ path, content }) => [path, String(content)]);
process.stdout.write(JSON.stringify({ pages, description, files }));
