// Every call of @segment/analytics-node.
import { Analytics } from "@segment/analytics-node";

const [address, key] = process.argv.slice(2);
const analytics = new Analytics({ writeKey: key, host: address, flushInterval: 100, maxRetries: 5 });
const timestamp = new Date("2026-03-01T12:00:00.123Z");
const context = { locale: "de-DE", page: { url: "https://shop.example/cart", title: "Cart" } };
analytics.on("error", (error) => { console.error(error); process.exitCode = 1; });
analytics.identify({ userId: "ada", anonymousId: "anon-1", traits: { age: 36 }, timestamp });
analytics.track({ userId: "ada", event: "Order Completed", properties: { revenue: 19, currency: "EUR" }, context, timestamp });
analytics.page({ userId: "ada", name: "Home", properties: { url: "https://shop.example/", title: "Home" }, timestamp });
analytics.screen({ userId: "ada", name: "Start", timestamp });
analytics.group({ userId: "ada", groupId: "acme", traits: { industry: "tools" }, timestamp });
analytics.alias({ userId: "ada", previousId: "anon-1", timestamp });
await analytics.closeAndFlush({ timeout: 20000 });
