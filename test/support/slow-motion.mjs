/**
 * Loaded before the command (`node --import`), makes it sleep at each turn of its event loop, so that a run over little
 * data takes long enough to be met in its middle. SLOW_MOTION has the milliseconds of a nap.
 */
const nap = Number(process.env.SLOW_MOTION ?? 0)
const cell = new Int32Array(new SharedArrayBuffer(4))
if (nap > 0) setInterval(() => Atomics.wait(cell, 0, 0, nap), 1).unref()
