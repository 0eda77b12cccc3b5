// Every call of posthog-node, by capture V0 or V1.
import { PostHog } from "posthog-node";

const [mode, address, key, user] = process.argv.slice(2);
process.env.POSTHOG_CAPTURE_MODE = mode;
const posthog = new PostHog(key, {
  host: address, flushInterval: 100, fetchRetryCount: 5, fetchRetryDelay: 1000, personalApiKey: "phx_local",
});
posthog.on("error", (error) => { console.error(error); process.exitCode = 1; });
const timestamp = new Date("2026-03-01T12:00:00.123Z");
const page = {
  $current_url: "https://shop.example/cart?utm_source=x", $session_id: `${user}-session`, title: "Cart",
};
posthog.capture({
  distinctId: user, event: "Order Completed", timestamp, groups: { company: "acme" },
  properties: { ...page, revenue: 19, currency: "EUR" },
});
posthog.capture({ distinctId: user, event: "$pageview", properties: page, timestamp });
await posthog.captureImmediate({ distinctId: user, event: "At Once", timestamp });
posthog.identify({ distinctId: user, properties: { age: 36, $set_once: { first_seen: "2026" } } });
posthog.setPersonProperties({ distinctId: user, properties: { plan: "pro" } });
posthog.unsetPersonProperties({ distinctId: user, properties: ["trial"] });
posthog.alias({ distinctId: `${user}-before`, alias: user });
posthog.groupIdentify({ groupType: "company", groupKey: "acme", properties: { industry: "tools" }, distinctId: user });
posthog.captureException(new Error("out of stock"), user);
await posthog.waitForLocalEvaluationReady(2000);
await posthog.reloadFeatureFlags();
const flags = await posthog.getAllFlags(user);
if (Object.keys(flags).length || (await posthog.isFeatureEnabled("a-flag", user))) {
  console.error("a flag is on");
  process.exitCode = 1;
}
await posthog.shutdown(40000);
