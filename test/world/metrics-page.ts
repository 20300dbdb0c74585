/** The lines of a Prometheus page, without those that explain. */
export const sampleLines = (page: string): readonly string[] =>
  page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/** Each series of a Prometheus page, by its name and labels as they stand, with its value. */
export const seriesOf = (page: string): ReadonlyMap<string, number> =>
  new Map(
    sampleLines(page).map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
