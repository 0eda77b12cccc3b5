// Every call of @umami/node; prints what each was answered.
import loaded, { Umami } from "@umami/node";

const umami = loaded.default; // Node takes the package's CommonJS form
const [address, website] = process.argv.slice(2);
const replies = [];
const keep = async (sent) => {
  const response = await sent;
  replies.push({ status: response.status, ...(await response.json()) });
};
umami.init({ websiteId: website, hostUrl: address });
await keep(umami.track({ url: "/docs?utm_source=news", hostname: "shop.example", title: "Docs", language: "de-DE",
  screen: "1920x1080", referrer: "https://t.co/a" }));
await keep(umami.track("Signed Up", { plan: "pro", revenue: 19, currency: "EUR" }));
await keep(umami.identify({ age: 36 }));
umami.reset();
await keep(umami.identify({ plan: "pro" }));
await keep(umami.send({ website, name: "Sent", id: "ada", tag: "beta", url: "https://shop.example/x" }));
const other = new Umami({ websiteId: website, hostUrl: address, userAgent: "Mozilla/5.0 (X11; Linux x86_64) "
  + "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36" });
await keep(other.track("Opened", { step: 2 }));
console.log(JSON.stringify(replies));
