// Builds the wasm kernels: replaced as soon as the first kernel lands.
