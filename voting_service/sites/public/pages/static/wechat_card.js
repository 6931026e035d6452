// In WeChat: the card that it shows when this page is shared, which is the page's preview. Without
// the SDK or a signature the link is shared without a card.

const SDK = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js";

function preview(name) {
  const found = document.querySelector(`meta[property="og:${name}"]`);
  return found ? found.content : "";
}

async function configure() {
  const url = location.href.split("#")[0];
  const answer = await fetch(`/wechat/signature?url=${encodeURIComponent(url)}`);
  if (!answer.ok) return;
  const { wx } = window;
  const names = ["updateAppMessageShareData", "updateTimelineShareData"];
  wx.config({ ...(await answer.json()), jsApiList: names });
  wx.ready(() => {
    const card = {
      title: preview("title"), desc: preview("description"), link: preview("url"), imgUrl: preview("image"),
    };
    for (const name of names) wx[name](card);
  });
}

if (/MicroMessenger/i.test(navigator.userAgent)) {
  const script = document.createElement("script");
  script.src = SDK;
  script.addEventListener("load", () => configure().catch(() => {}));
  document.head.append(script);
}
