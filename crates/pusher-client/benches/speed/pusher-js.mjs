// Receives as many events as it is told, all at once or each when the one before it is there, and prints how many milliseconds
// that took.
import Pusher from "pusher-js";

const [port, channel, count, way] = process.argv.slice(2);
if (port === "--check") process.exit(0);

const pusher = new Pusher("key", {
  cluster: "none",
  wsHost: "127.0.0.1",
  wsPort: Number(port),
  forceTLS: false,
  enabledTransports: ["ws"],
  channelAuthorization: { customHandler: (_, answer) => answer(null, { auth: "key:signature" }) },
});
const orders = pusher.subscribe(channel);
let begun;
let expected = 0;
const oneByOne = way === "one-by-one";
// What is asked for one by one is asked for often enough before it is measured that the engine has compiled it.
let warmUp = oneByOne ? 1000 : 0;
const ask = () => orders.trigger("client-send", oneByOne ? 1 : Number(count));
orders.bind("pusher:subscription_succeeded", () => {
  begun = performance.now();
  ask();
});
orders.bind("shipped", ({ n, text }) => {
  // Asked for one by one, each is the first.
  if (n !== (oneByOne ? 0 : expected) || text.length === 0) throw new Error(`${n} came, ${expected} was expected`);
  if (warmUp > 0) {
    warmUp -= 1;
    begun = performance.now();
    ask();
    return;
  }
  expected += 1;
  if (expected < Number(count)) {
    if (oneByOne) ask();
  } else {
    process.stdout.write(`${performance.now() - begun}\n`);
    process.exit(0);
  }
});
