# Three machines as network namespaces: this one is the host, `hop` hangs on a bridge of the name that egress.nft knows, `world` is
# what lies beyond, with addresses of everybody's. Says for each address and port whether the hop reaches it.
#   unshare --net --mount --propagation private sh names.sh RULES|none ADDRESS:PORT …
set -e
rules=$1
shift
mount -t tmpfs tmpfs /run
ip link set lo up
ip netns add hop
ip netns add world
ip link add unmask-outside type veth peer name eth0 netns hop
ip link add uplink type veth peer name eth0 netns world
ip addr add 172.31.0.1/24 dev unmask-outside
ip addr add 203.0.113.1/24 dev uplink
ip link set unmask-outside up
ip link set uplink up
for one in hop world; do
  ip -n $one link set lo up
  ip -n $one link set eth0 up
done
ip -n hop addr add 172.31.0.2/24 dev eth0
ip -n hop route add default via 172.31.0.1
ip -n world addr add 203.0.113.2/24 dev eth0
ip -n world route add default via 203.0.113.1
for address in 1.1.1.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1; do
  ip -n world addr add $address/32 dev lo
  ip route add $address/32 via 203.0.113.2
done
echo 1 >/proc/sys/net/ipv4/ip_forward
[ "$rules" = none ] || nft -f "$rules"
listen='for (const port of [53, 80, 443]) require("net").createServer((s) => s.end()).listen(port, "0.0.0.0", () => port === 443 && console.error("listening"))'
ip netns exec world node -e "$listen" &
world=$!
node -e "$listen" &
host=$!
trap 'kill $world $host' EXIT
ip netns exec hop node -e '
const { connect } = require("net");
const once = (host, port) => new Promise((resolve) => {
  const socket = connect({ host, port }, () => { socket.destroy(); resolve("reached"); });
  socket.setTimeout(2000, () => { socket.destroy(); resolve("silent"); });
  socket.on("error", ({ code }) => resolve(code));
});
// Those who listen may be slower to start: who refuses is asked again, who is unreachable is not.
const ask = async (host, port, left = 50) => {
  const said = await once(host, port);
  if (said !== "ECONNREFUSED" || left === 0) return said;
  await new Promise((resolve) => setTimeout(resolve, 100));
  return ask(host, port, left - 1);
};
(async () => {
  for (const place of process.argv.slice(1)) console.log(place, await ask(...place.split(":")));
})();' "$@"
