import { join } from 'node:path';
import { debianPackages } from './debian.ts';

/** The browser without a screen, and the libraries of it that a Debian with X11's and GTK's own does not have. */
const packages = [
  'chromium-headless-shell',
  'chromium-common',
  'libasyncns0',
  'libdouble-conversion3',
  'libflac12',
  'libharfbuzz-subset0',
  'libminizip1',
  'libmp3lame0',
  'libmpg123-0',
  'libogg0',
  'libopenh264-7',
  'libopenjp2-7',
  'libopus0',
  'libpulse0',
  'libsndfile1',
  'libvorbis0a',
  'libvorbisenc2',
  'libxnvctrl0',
];

/** The program and what it needs around it. */
export interface ChromiumProgram {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Debian's Chromium of this release, fetched the first time. */
export async function chromiumProgram(): Promise<ChromiumProgram> {
  const root = await debianPackages('chromium-headless', packages);
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  return {
    binary: join(root, 'usr/lib/chromium/chromium-headless-shell'),
    env: { LD_LIBRARY_PATH: [libraries, join(libraries, 'pulseaudio')].join(':') },
  };
}
