// Server-sent events, whatever happens in between: phones sleep, and servers start anew.

const SILENCE = 40000; // milliseconds: the server says something every 15 s
const PAUSE = 2000;

// Calls `take` with the JSON of each event, and with null where the server refuses.
export function follow(address, take) {
  const source = new EventSource(address);
  let heard = Date.now();
  source.onmessage = ({ data }) => {
    heard = Date.now();
    take(JSON.parse(data));
  };
  const timer = setInterval(() => {
    const isRefused = source.readyState === EventSource.CLOSED;
    if (!isRefused && Date.now() - heard < SILENCE) return;
    if (isRefused) take(null);
    clearInterval(timer);
    source.close();
    follow(address, take);
  }, PAUSE);
}
