import { shell } from "./shell.ts";
import type { Site, SiteFile } from "./site.ts";

/** The page `/account`: what is said before the script has come, and what it needs. */
export function accountFiles(site: Site): readonly SiteFile[] {
  const page = shell(
    {
      title: "Account — Unmask",
      description:
        "Money left, spend by key and day, keys, webhooks, answers and refusals of an account.",
      path: "/account",
      main: `<div id="account"><p class="loading">The account is on its way. It needs JavaScript; the command line does not: <a href="/docs/quickstarts/sell">selling answers</a> shows how.</p></div>`,
      styles: ["account.css"],
      scripts: ["account.js"],
    },
    site,
  );
  return [{ path: "account.html", content: page }];
}
