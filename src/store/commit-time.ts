/**
 * When a commit was written, as its link of the chain tells it.
 *
 * The time stands in the link's digest, `<checksum>@<epoch ms>`: the chain hashes the digest, so a time
 * cannot be exchanged alone, and a holdfast that knows no times reads the same chain.
 *
 * Pure. Callers: the chain, and who shows commits: the one file beside the key table that the kernel shares.
 */

const MARK = '@';

/** The digest of a commit whose writing began at `at`, if that is known. */
export function timedDigest(checksum: string, at: number | undefined): string {
  return at === undefined ? checksum : checksum + MARK + String(at);
}

/**
 * When the writing of a commit began, epoch milliseconds, from the text of its row; undefined where that says
 * nothing of it, or is no link.
 */
export function commitTimeOf(linkText: string): number | undefined {
  const digest = digestIn(linkText);
  const mark = digest.indexOf(MARK);
  const at = mark < 0 ? Number.NaN : Number(digest.slice(mark + 1) || Number.NaN);
  return Number.isFinite(at) ? at : undefined;
}

function digestIn(linkText: string): string {
  try {
    const link: unknown = JSON.parse(linkText);
    if (typeof link !== 'object' || link === null || !('digest' in link)) return '';
    return typeof link.digest === 'string' ? link.digest : '';
  } catch (error) {
    if (error instanceof SyntaxError) return '';
    throw error;
  }
}
