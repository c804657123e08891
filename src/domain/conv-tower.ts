/**
 * A vision tower of convolutions that tells what it recognises, not what it sees: a trunk of inverted residuals, and behind it
 * the evidence that each cell of its last map, and the picture as a whole, gives for each of some things. The blocks are data: an
 * EfficientNet-Lite of any size is one list of them. Sources: MobileNetV2, arXiv 1801.04381 (the block); tensorflow/tpu, efficientnet/lite
 * (ReLU6, no squeeze); infra/demo-model/photographs (the evidence).
 */
export interface ConvTower {
  readonly kind: "conv";
  /** Side of the square view in pixels. */
  readonly imageSize: number;
  /** A level v of 0 … 255 enters as (v − mean) / deviation. */
  readonly levels: { readonly mean: number; readonly deviation: number };
  /** The first convolution, over the three colours. */
  readonly stem: {
    readonly channels: number;
    readonly kernel: number;
    readonly stride: number;
  };
  readonly blocks: readonly ConvBlock[];
  /** Channels of the 1 × 1 convolution behind the last block. */
  readonly headChannels: number;
  /** A second, finer map: what leaves block `block`, counted from 0, its squares of `unshuffle` × `unshuffle` places side by side. */
  readonly tap: { readonly block: number; readonly unshuffle: number };
  readonly evidence: EvidenceStage;
}

/** An inverted residual: widened 1 × 1 unless `expansion` is 1, filtered channel by channel, narrowed 1 × 1. */
export interface ConvBlock {
  /** Channels that leave it. */
  readonly channels: number;
  /** Side of the filter of each channel; odd. */
  readonly kernel: number;
  readonly stride: number;
  readonly expansion: number;
  /** Whether what enters is added to what leaves. */
  readonly isResidual: boolean;
}

/** From maps to evidence: a classifier whose classes are summed by thing, and a small reader of both maps, gated together. */
export interface EvidenceStage {
  /** Classes of the classifier. */
  readonly classes: number;
  /** Things that there is evidence for. */
  readonly concepts: number;
  /** Hidden width of the reader. */
  readonly readerWidth: number;
  /** The reader's energy enters times this. */
  readonly energyScale: number;
}

/** One convolution of a trunk, with TensorFlow's SAME padding: `sideOut` is ⌈sideIn / stride⌉. */
export interface Convolution {
  /** Of its weights and bias inside the stage: `trunk.blocks.3.convs.1`. */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Each channel has a filter of its own; then `inputs` equals `outputs`. */
  readonly isDepthwise: boolean;
  /** Whether ReLU6 follows. */
  readonly isClipped: boolean;
  readonly sideIn: number;
  readonly sideOut: number;
}

/** A trunk's convolutions in the order in which they run. */
export interface Trunk {
  readonly stem: Convolution;
  readonly blocks: readonly {
    readonly convolutions: readonly Convolution[];
    readonly isResidual: boolean;
  }[];
  readonly head: Convolution;
}

/** Features of a vector beside its evidence for each thing: nothing, other, log mass, energy, six of colour, two of place, whether it is the whole. */
const EVIDENCE_EXTRAS = 13;

/** Unrolls a tower's list of blocks. */
export function trunkOf(tower: ConvTower): Trunk {
  let side = tower.imageSize;
  let channels = 3;
  const next = (
    name: string,
    shape: Pick<Convolution, "outputs" | "kernel" | "stride"> & Partial<Convolution>,
  ): Convolution => {
    const [sideIn, sideOut] = [side, Math.ceil(side / shape.stride)];
    const inputs = channels;
    [side, channels] = [sideOut, shape.outputs];
    return { name, inputs, isDepthwise: false, isClipped: true, ...shape, sideIn, sideOut };
  };
  const { channels: stemChannels, kernel, stride } = tower.stem;
  return {
    stem: next("trunk.stem", { outputs: stemChannels, kernel, stride }),
    blocks: tower.blocks.map((block, index) => {
      const inner = channels * block.expansion;
      const single = { kernel: 1, stride: 1 };
      const shapes = [
        ...(block.expansion === 1 ? [] : [{ ...single, outputs: inner }]),
        { outputs: inner, kernel: block.kernel, stride: block.stride, isDepthwise: true },
        { ...single, outputs: block.channels, isClipped: false },
      ];
      const convolutions = shapes.map((shape, place) =>
        next(`trunk.blocks.${index}.convs.${place}`, shape),
      );
      return { convolutions, isResidual: block.isResidual };
    }),
    head: next("trunk.head", { outputs: tower.headChannels, kernel: 1, stride: 1 }),
  };
}

/** A tower's convolutions in the order in which they run. */
export function convolutionsOf(tower: ConvTower): readonly Convolution[] {
  const { stem, blocks, head } = trunkOf(tower);
  return [stem, ...blocks.flatMap(({ convolutions }) => convolutions), head];
}

/** Zeros that SAME padding puts before and behind a side: what is odd goes behind. Source: TensorFlow, `tf.nn.convolution`. */
export function samePadding({
  sideIn,
  sideOut,
  kernel,
  stride,
}: Pick<Convolution, "sideIn" | "sideOut" | "kernel" | "stride">): readonly [number, number] {
  const total = Math.max((sideOut - 1) * stride + kernel - sideIn, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

/** Cells along one side of the last map. */
export function cellsPerSide(tower: ConvTower): number {
  return trunkOf(tower).head.sideOut;
}

/** Values of the tap in one cell. */
export function tapWidth({ blocks, tap }: ConvTower): number {
  return (blocks[tap.block]?.channels ?? 0) * tap.unshuffle ** 2;
}

/** Width of the vectors that the tower makes. */
export function evidenceWidth({ evidence }: ConvTower): number {
  return evidence.concepts + EVIDENCE_EXTRAS;
}

/** Vectors that the tower makes of one view: one a cell, and one for the whole. */
export function evidenceVectors(tower: ConvTower): number {
  return cellsPerSide(tower) ** 2 + 1;
}

/** Says what is wrong with a tower whose numbers are each possible; undefined where it can be computed. */
export function convTowerFault(tower: ConvTower): string | undefined {
  const { imageSize, stem, blocks, tap } = tower;
  const trunk = trunkOf(tower);
  const cells = trunk.head.sideOut;
  if ([stem, ...blocks].some(({ kernel }) => kernel % 2 === 0)) return "a kernel has an even side";
  for (const [index, { isResidual, stride, channels }] of blocks.entries()) {
    const entering = trunk.blocks[index]?.convolutions[0]?.inputs;
    if (isResidual && (stride !== 1 || channels !== entering))
      return `block ${index} is residual, but changes the shape of what enters`;
  }
  if (imageSize % cells !== 0) return `${cells} cells do not divide ${imageSize} pixels evenly`;
  const tapped = trunk.blocks[tap.block]?.convolutions.at(-1);
  if (tapped === undefined) return `there is no block ${tap.block} to tap`;
  if (tapped.sideOut !== cells * tap.unshuffle)
    return `the tap has ${tapped.sideOut} places along a side, not ${cells} times ${tap.unshuffle}`;
  return undefined;
}
