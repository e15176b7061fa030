// The server of an application, as Pusher's own npm package makes it: signs, publishes, sends to users. One JSON request
// a line on standard input, one JSON answer a line on standard output.
import { createInterface } from "node:readline";
import Pusher from "pusher";

const options = JSON.parse(process.argv[2]);
let pusher = new Pusher(options);

const tasks = {
  async trigger({ channel, name, data, socketId }) {
    const answer = await pusher.trigger(channel, name, data, socketId ? { socket_id: socketId } : undefined);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return null;
  },
  async authorize({ socketId, channel, presence }) {
    return pusher.authorizeChannel(socketId, channel, presence ?? undefined);
  },
  async authenticate({ socketId, user }) {
    return pusher.authenticateUser(socketId, user);
  },
  async sendToUser({ user, name, data }) {
    const answer = await pusher.sendToUser(user, name, data);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return null;
  },
  // A new master key is a new key for every encrypted channel.
  async rekey({ encryptionMasterKeyBase64 }) {
    pusher = new Pusher({ ...options, encryptionMasterKeyBase64 });
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await tasks[task](request) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
