/** Bytes for messages: `1.5Mi`, `1024Mi`. */
export function mebibytes(count: number): string {
  const size = count / 2 ** 20;
  return `${size < 10 ? size.toFixed(1) : Math.floor(size)}Mi`;
}
