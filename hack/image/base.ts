import { exists } from '../cache.ts';
import type { ImageFile } from './archive.ts';

/** `uid:gid` of the user that distroless images call nonroot. */
export const nonroot = '65532:65532';

const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** What every image has besides its program: users, name resolution, a /tmp, and this machine's CA certificates where it has some. */
export async function baseFiles(): Promise<readonly ImageFile[]> {
  return [
    {
      path: '/etc/passwd',
      content: 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n',
    },
    { path: '/etc/group', content: 'root:x:0:\nnonroot:x:65532:\n' },
    { path: '/etc/nsswitch.conf', content: 'hosts: files dns\n' }, // without it glibc asks no DNS
    { path: '/tmp', folder: true, mode: 0o1777 },
    ...((await exists(certificates)) ? [{ path: certificates, from: certificates }] : []),
  ];
}
