import { memoryStore } from "#weights/object-store.ts";
import { objectStoreContract } from "../contract/object-store.ts";

const store = memoryStore();
objectStoreContract("memory", async () => store);
