// A process that loads this first has a clock that jumps: by up to an hour, forth and back, about every second.
const now = Date.now.bind(Date);
let shift = 0;
setInterval(() => {
  shift = Math.round((2 * Math.random() - 1) * 3_600_000);
}, 1000).unref();
Date.now = () => now() + shift;
