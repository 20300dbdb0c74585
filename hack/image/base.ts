import { rootCertificates } from 'node:tls';
import type { ImageFile } from './archive.ts';

/** `uid:gid` of the user that distroless images call nonroot. */
export const nonroot = '65532:65532';

/** What every image has besides its program: users, name resolution, a /tmp, and the authorities that the pinned Node knows, for programs that look for them where Debian has them. */
export function baseFiles(): readonly ImageFile[] {
  return [
    {
      path: '/etc/passwd',
      content: 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n',
    },
    { path: '/etc/group', content: 'root:x:0:\nnonroot:x:65532:\n' },
    { path: '/etc/nsswitch.conf', content: 'hosts: files dns\n' }, // without it glibc asks no DNS
    { path: '/tmp', folder: true, mode: 0o1777 },
    { path: '/etc/ssl/certs/ca-certificates.crt', content: `${rootCertificates.join('\n')}\n` },
  ];
}
