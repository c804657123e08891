/** Durable Objects of one class as their callers see them: by the calls that they take, so that no caller knows the class. */
export type ObjectsOf<Calls> = DurableObjectNamespace<Calls & Rpc.DurableObjectBranded>;

/** One of them. */
export type ObjectOf<Calls> = DurableObjectStub<Calls & Rpc.DurableObjectBranded>;
