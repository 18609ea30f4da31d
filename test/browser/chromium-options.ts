/**
 * How the Chromium of an npm package is started. Callers: chromium.ts, and bench/inspector-page.ts, which has
 * no vitest.
 */
import chromiumPackage from '@sparticuz/chromium';

/**
 * What the package asks for, but for these: one process for all cannot close a context, and a browser whose
 * walls are down would not show that the page’s hold. To draw by a graphics card that is none, in the
 * browser's own process, took 54 s of CPU of a run's 116; to start each renderer anew, 10 s.
 */
const REFUSED = new RegExp(
  `^--(${[
    ...['single-process', 'disable-web-security', 'allow-running-insecure-content', 'disable-site-isolation'],
    ...['in-process-gpu', 'use-gl', 'use-angle', 'enable-unsafe-swiftshader', 'ignore-gpu-blocklist'],
    'no-zygote',
  ].join('|')})`,
);
const ADDED = ['--disable-gpu', '--disable-software-rasterizer'];

export async function chromiumOptions(): Promise<{
  readonly executablePath: string;
  readonly args: string[];
}> {
  return {
    executablePath: await chromiumPackage.executablePath(),
    args: [...chromiumPackage.args.filter((word) => !REFUSED.test(word)), ...ADDED],
  };
}
