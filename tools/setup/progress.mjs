/** One line for each step that has work to do, on stderr: "setup: installing packages … 12.8 s". */
export function createProgress({ quiet }) {
  const started = performance.now();
  let worked = false;
  const write = (text) => {
    if (!quiet) process.stderr.write(text);
  };
  return {
    note: (text) => write(`setup: ${text}\n`),
    async step(title, work) {
      worked = true;
      const from = performance.now();
      write(`setup: ${title} … `);
      try {
        const result = await work();
        write(`${seconds(from)}\n`);
        return result;
      } catch (error) {
        write(`failed after ${seconds(from)}\n`);
        throw error;
      }
    },
    finish: () => write(`setup: ${worked ? 'ready' : 'nothing to do'} (${seconds(started)})\n`),
  };
}

function seconds(from) {
  return `${((performance.now() - from) / 1_000).toFixed(1)} s`;
}
