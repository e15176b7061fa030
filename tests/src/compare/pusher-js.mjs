// pusher-js, the official client, on Node: subscribes to one channel and tells what happens, one JSON a line.
import { createInterface } from "node:readline";
import Pusher from "pusher-js";

const { key, port, channel, authorization, activityTimeout, pongTimeout } = JSON.parse(process.argv[2]);
const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

const pusher = new Pusher(key, {
  cluster: "none",
  wsHost: "127.0.0.1",
  wsPort: port,
  forceTLS: false,
  enabledTransports: ["ws"],
  activityTimeout,
  pongTimeout,
  channelAuthorization: { endpoint: authorization, transport: "ajax" },
});
pusher.connection.bind("state_change", ({ current }) => {
  if (current !== "connected") tell({ lost: current });
});
const subscription = pusher.subscribe(channel);
subscription.bind("pusher:subscription_succeeded", () => tell({ subscribed: true }));
subscription.bind("pusher:subscription_error", ({ status }) => tell({ refused: status ?? 0 }));
subscription.bind("numbered", (data) => tell({ event: data.n }));

// It ends with whoever started it.
for await (const _ of createInterface({ input: process.stdin })) {
  // Nothing is asked of it.
}
process.exit(0);
