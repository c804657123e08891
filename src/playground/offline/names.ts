/** Where the service worker lies: at the top, since it can keep no page above itself. */
export const OFFLINE_WORKER = "/offline.js";

/** What the names of its caches begin with; what follows is the version of the files. */
export const PAGE_CACHE = "unmask-page:";
