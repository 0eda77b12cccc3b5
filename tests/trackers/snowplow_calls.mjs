// Every call of @snowplow/node-tracker; ends when each event was answered with 2xx.
import * as snowplow from "@snowplow/node-tracker";

const [address, app, eventMethod, mode] = process.argv.slice(2);
let sent = 0;
const tracker = snowplow.newTracker(
  { namespace: "node", appId: app, encodeBase64: mode !== "plain" },
  { endpoint: address, eventMethod, bufferSize: 4, serverAnonymization: mode === "anonymous",
    onRequestSuccess: (events) => { sent += events.length; } },
);
tracker.setPlatform("web");
tracker.setUserId("ada");
tracker.setDomainUserId("dev-1");
tracker.setNetworkUserId("net-1");
tracker.setSessionId("ses-1");
tracker.setSessionIndex(3);
tracker.setScreenResolution(1920, 1080);
tracker.setViewport(1200, 700);
tracker.setColorDepth(24);
tracker.setTimezone("Europe/Berlin");
tracker.setLang("de-DE");
tracker.setIpAddress("203.0.113.77");
tracker.setUseragent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36");

const pageUrl = "https://shop.example/cart?utm_source=news&utm_campaign=spring";
const page = { pageUrl, pageTitle: "Cart", referrer: "https://t.co/a" };
const tag = (n) => ({ schema: `iglu:com.acme/tag/jsonschema/1-0-${n}`, data: { n, word: "Grüße ???>>>" } });
const cart = { sku: "p1", name: "Shoe", category: "shoes", unitPrice: 9.5, quantity: 2, currency: "EUR" };
const consent = { all: false, id: "c1", version: "2", name: "terms" };
const calls = [
  snowplow.buildPagePing({ ...page, minXOffset: 1, maxXOffset: 10, minYOffset: 1, maxYOffset: 900 }),
  snowplow.buildStructEvent({ category: "shop", action: "Add to basket", label: "shoe", property: "red", value: 19.5 }),
  snowplow.buildSelfDescribingEvent({ event: { schema: "iglu:com.acme/save_game/jsonschema/1-0-2", data: { level: 5, name: "ü?>" } } }),
  snowplow.buildScreenView({ name: "Basket", id: "s1" }),
  snowplow.buildLinkClick({ targetUrl: "https://x.example/", elementId: "buy", elementClasses: ["big"], elementContent: "Buy" }),
  snowplow.buildAddToCart(cart),
  snowplow.buildRemoveFromCart({ ...cart, quantity: 1 }),
  snowplow.buildFormFocusOrChange({ schema: "focus_form", formId: "f1", elementId: "field-1", nodeName: "INPUT", elementClasses: [], value: "x", type: "text" }),
  snowplow.buildFormFocusOrChange({ schema: "change_form", formId: "f1", elementId: "field-1", nodeName: "INPUT", elementClasses: [], value: "x", type: "text" }),
  snowplow.buildFormSubmission({ formId: "f1", formClasses: ["wide"], elements: [{ name: "a", value: "x", nodeName: "INPUT" }] }),
  snowplow.buildSiteSearch({ terms: ["red", "shoe"], totalResults: 10 }),
  snowplow.buildSocialInteraction({ action: "like", network: "pond", target: "shoe" }),
  snowplow.buildAdImpression({ impressionId: "i1", cost: 2, costModel: "cpm" }),
  snowplow.buildAdClick({ targetUrl: "https://x.example/", clickId: "k1" }),
  snowplow.buildAdConversion({ conversionId: "v1", initialValue: 5 }),
  snowplow.buildEcommerceTransaction({ orderId: "o1", total: 40.5, affiliation: "web", tax: 6.5, shipping: 4, city: "Berlin", state: "BE", country: "DE", currency: "EUR" }),
  snowplow.buildEcommerceTransactionItem({ orderId: "o1", sku: "p1", price: 18.25, name: "Shoe", category: "shoes", quantity: 2, currency: "EUR" }),
];
tracker.track(snowplow.buildPageView(page), [tag(1), tag(2)], { type: "ttm", value: 1772366400123 });
for (const call of calls) tracker.track(call);
for (const { event, context } of [
  snowplow.buildConsentGranted({ expiry: "2027-01-01T00:00:00Z", ...consent }),
  snowplow.buildConsentWithdrawn(consent),
]) tracker.track(event, context);

const count = calls.length + 3;
const deadline = Date.now() + 45000;
while (sent < count && Date.now() < deadline) {
  await tracker.flush();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
if (sent !== count) {
  console.error(`${sent} of ${count} events were taken`);
  process.exitCode = 1;
}
