import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderAsync } from '@resvg/resvg-js';
import { debianPackages } from '../servers/debian.ts';
import { chart } from './chart.ts';
import type { Recording } from './record.ts';

/** Pixels for each unit of the SVG, so that small letters are sharp. */
const zoom = 2;

/** @returns The paths of the SVG and of the PNG. */
export async function drawPicture(recording: Recording, allHold: boolean, folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const [svgPath, pngPath] = [join(folder, 'demo.svg'), join(folder, 'demo.png')];
  const svg = chart(recording, { allHold });
  await writeFile(svgPath, svg);
  const fontFiles = await fonts();
  const image = await renderAsync(svg, {
    fitTo: { mode: 'zoom', value: zoom },
    font: { fontFiles: [...fontFiles], loadSystemFonts: fontFiles.length === 0 },
  });
  await writeFile(pngPath, image.asPng());
  return [svgPath, pngPath];
}

/** Inter, so that the picture is the same on a machine without any font. Elsewhere than on Debian, and without a network, the machine's own. */
async function fonts(): Promise<readonly string[]> {
  try {
    const folder = join(await debianPackages('fonts-inter', ['fonts-inter']), 'usr/share/fonts/opentype/inter');
    const names = await readdir(folder);
    return names
      .filter((name) => /^Inter-(Regular|Medium|SemiBold)\.otf$/.test(name))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
