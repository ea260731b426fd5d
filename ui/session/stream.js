// Server-sent events, whatever happens in between: phones sleep, and servers start anew.

const SILENCE = 40000; // milliseconds: the server says something every 15 s
const PAUSE = 2000;

// Calls `take` with the JSON of each event, and with null where the server refuses. A page that is
// hidden listens no longer: a phone that sleeps may not be able to say that it does.
export function follow(address, take) {
  let source = /** @type {EventSource | null} */ (null);
  let heard = 0;
  const hear = ({ data }) => {
    heard = Date.now();
    take(JSON.parse(data));
  };
  const look = () => {
    const isRefused = source?.readyState === EventSource.CLOSED;
    const isUseless = isRefused || document.hidden || Date.now() - heard > SILENCE;
    if (isRefused) take(null);
    if (isUseless) {
      source?.close();
      source = null;
    }
    if (source || document.hidden) return;
    heard = Date.now();
    source = new EventSource(address);
    source.onmessage = hear;
  };
  document.addEventListener("visibilitychange", look);
  setInterval(look, PAUSE);
  look();
}
