/**
 * From a size in pixels to the words of providers that have none: the nearest shape and the nearest tier.
 *
 * Callers: the adapters. Invariant: pure; a size that cannot be read has neither.
 */

/** Width and height of `1280x720`. */
export function pixelsOf(size: string | undefined): readonly [number, number] | undefined {
  const [width, height] = (size ?? '').split('x').map(Number);
  return width !== undefined && height !== undefined && width > 0 && height > 0 ? [width, height] : undefined;
}

/** Which of the ratios, each like `16:9`, is closest to the size's; undefined without a size. */
export function nearestRatio(size: string | undefined, ratios: readonly string[]): string | undefined {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return undefined;
  const wanted = Math.log(pixels[0] / pixels[1]);
  return nearest(ratios, (ratio) => {
    const [width = 1, height = 1] = ratio.split(':').map(Number);
    return Math.abs(Math.log(width / height) - wanted);
  });
}

/** Which of the tiers, by the pixels of their shorter side, is closest to the size's; as `nearestRatio`. */
export function nearestTier(
  size: string | undefined,
  tiers: Readonly<Record<string, number>>,
): string | undefined {
  const pixels = pixelsOf(size);
  if (pixels === undefined) return undefined;
  const side = Math.min(...pixels);
  return nearest(Object.keys(tiers), (tier) => Math.abs((tiers[tier] ?? 0) - side));
}

/** The first of the names with the smallest distance. */
function nearest(names: readonly string[], distanceOf: (name: string) => number): string | undefined {
  return names.toSorted((a, b) => distanceOf(a) - distanceOf(b))[0];
}
