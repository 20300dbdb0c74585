const newline = 10;

/** Cuts a stream of bytes into lines. A line is decoded once and only when it is complete, so a character cut in two is not damaged. */
export class LineSplitter {
  #begun: Uint8Array[] = [];
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, to);
      from = to + 1;
      const line = this.#begun.length === 0 ? rest : Buffer.concat([...this.#begun, rest]);
      this.#begun = [];
      if (line.length > 0) this.#onLine(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'));
    }
    if (from < chunk.length) this.#begun.push(chunk.subarray(from));
  }
}
