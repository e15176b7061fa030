// Receives as many events as it is told and prints how many milliseconds that took.
import Pusher from "pusher-js";

const [port, channel, count] = process.argv.slice(2);
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
orders.bind("pusher:subscription_succeeded", () => {
  begun = performance.now();
  orders.trigger("client-send", Number(count));
});
orders.bind("shipped", ({ n, text }) => {
  if (n !== expected || text.length === 0) throw new Error(`${n} came, ${expected} was expected`);
  expected += 1;
  if (expected === Number(count)) {
    process.stdout.write(`${performance.now() - begun}\n`);
    process.exit(0);
  }
});
