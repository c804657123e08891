import { CUDA_RUNTIME_VERSION } from "#inference/runtime/cuda/provider-folder.ts";

/** A wheel, and what is kept of it: other bytes than these are not installed, whatever an index says of them. */
export interface PinnedWheel {
  /** As an index names it. */
  readonly project: string;
  readonly version: string;
  /** Part of the file's name that tells the one for this platform from the others. */
  readonly platform: RegExp;
  readonly files: readonly PinnedFile[];
}

export interface PinnedFile {
  /** Path inside the wheel. */
  readonly path: string;
  /** Under which it is placed. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The provider. Each Python version has a wheel of its own, built anew; this is the one that was tried. */
export const PROVIDER_WHEEL: PinnedWheel = {
  project: "onnxruntime-gpu",
  version: CUDA_RUNTIME_VERSION,
  platform: /-cp312-cp312-manylinux_2_28_x86_64\.whl$/,
  files: [
    {
      path: "onnxruntime/capi/libonnxruntime_providers_shared.so",
      name: "libonnxruntime_providers_shared.so",
      bytes: 14_632,
      sha256: "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
    },
    {
      path: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
      name: "libonnxruntime_providers_cuda.so",
      bytes: 272_049_904,
      sha256: "35da2e7ed0dd0d1aec5cdb16ce11a51d06c0c48cf62d1b1c9332946a4fae14fc",
    },
  ],
};

/**
 * What the provider is built on: CUDA 13.0, the oldest that it takes, for the oldest driver. Source: NEEDED of the provider; the wheel's
 * "cuda" extra.
 */
export const CUDA_WHEELS: readonly PinnedWheel[] = [
  {
    project: "nvidia-cuda-runtime",
    version: "13.0.96",
    platform: /manylinux_2_17_x86_64\.whl$/,
    files: [
      {
        path: "nvidia/cu13/lib/libcudart.so.13",
        name: "libcudart.so.13",
        bytes: 704_288,
        sha256: "96c42e418cec19054186b9429c321603cc190bf26a18104e19408117a2a817b0",
      },
    ],
  },
  {
    project: "nvidia-cublas",
    version: "13.0.2.14",
    platform: /manylinux_2_27_x86_64\.whl$/,
    files: [
      {
        path: "nvidia/cu13/lib/libcublasLt.so.13",
        name: "libcublasLt.so.13",
        bytes: 539_533_072,
        sha256: "4c15f403ac2a8040a3291d07f6c351b5c1f730b45f2ea41f302e415e9600655b",
      },
      {
        path: "nvidia/cu13/lib/libcublas.so.13",
        name: "libcublas.so.13",
        bytes: 54_440_120,
        sha256: "1d5f1452af53a0b1cf36bc7d8116d2a22a5f2cffbaa8fca25a1b70360a2e8d7a",
      },
    ],
  },
  {
    project: "nvidia-curand",
    version: "10.4.0.35",
    platform: /manylinux_2_27_x86_64\.whl$/,
    files: [
      {
        path: "nvidia/cu13/lib/libcurand.so.10",
        name: "libcurand.so.10",
        bytes: 132_698_328,
        sha256: "b53732a66b302b11926e00f762e2c2ba67058347ff93cf4ae709de45e93e06da",
      },
    ],
  },
];
