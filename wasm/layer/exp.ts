/** Below this e^x counts as zero; above the other it is cut. Between them 2^n is a normal number. */
const LEAST: f32 = -87.0;
const MOST: f32 = 88.0;

/** Four times e^x, within 2 units in the last place: x = n ln 2 + r, then Cephes' polynomial of r (expf.c). */
export function exp(x: v128): v128 {
  const cut = f32x4.min(f32x4.max(x, f32x4.splat(LEAST)), f32x4.splat(MOST));
  const n = f32x4.nearest(f32x4.mul(cut, f32x4.splat(Mathf.LOG2E)));
  const most = f32x4.sub(cut, f32x4.mul(n, f32x4.splat(0.693359375)));
  const r = f32x4.sub(most, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  const isNothing = f32x4.lt(x, f32x4.splat(LEAST));
  return v128.andnot(f32x4.mul(p, power), isNothing);
}
