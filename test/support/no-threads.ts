/** What a browser is given where a module names Node's threads. */
export class Worker {
  constructor() {
    throw new Error("a browser has no threads of Node's");
  }
}
