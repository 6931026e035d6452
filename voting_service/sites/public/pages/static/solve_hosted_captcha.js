// Shows the captcha of the contest's provider for a suspicious vote and submits the form once it is
// solved. If it cannot be loaded or solved, solve_challenge.js does a proof of work instead.

const GIVE_UP_AFTER_MS = 8000;

const box = document.querySelector("[data-captcha]");
const place = box && box.closest("[data-challenge]");
const instead = place && place.querySelector("[data-instead]");
const form = place && place.closest("form");
const chinese = document.documentElement.lang.startsWith("zh");
let isDone = false;

function show(text) {
  place.querySelector("[role=status]").textContent = text;
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    script.src = address;
    document.head.append(script);
  });
}

function send(provider, token) {
  if (isDone) return;
  isDone = true;
  const field = Object.assign(document.createElement("input"), {
    type: "hidden",
    name: "altcha",
    value: `${provider}:${token}`,
  });
  form.append(field);
  show(place.dataset.done);
  form.querySelector("[data-once]").click(); // requestSubmit is missing before Safari 16
}

async function workInstead() {
  if (isDone) return;
  isDone = true;
  box.remove();
  instead.remove();
  show(place.dataset.working);
  await import("./solve_challenge.js");
}

// Each function shows its widget and resolves once the widget is shown.
const widgets = {
  async turnstile({ site_key, binding }, solved, failed) {
    await load("https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit");
    window.turnstile.render(box, {
      sitekey: site_key,
      cData: binding,
      language: chinese ? "zh-cn" : "en",
      callback: solved,
      "error-callback": failed,
      "unsupported-callback": failed,
    });
  },

  async geetest({ site_key }, solved, failed) {
    await load("https://static.geetest.com/v4/gt4.js");
    window.initGeetest4(
      { captchaId: site_key, product: "float", language: chinese ? "zho" : "eng", protocol: "https://" },
      (widget) => {
        widget.onError(failed);
        widget.onSuccess(() => {
          const { lot_number, captcha_output, pass_token, gen_time } = widget.getValidate();
          solved(new URLSearchParams({ lot_number, captcha_output, pass_token, gen_time }));
        });
        widget.appendTo(box);
      },
    );
  },

  async tencent({ site_key }, solved, failed) {
    await load("https://turing.captcha.qcloud.com/TJCaptcha.js");
    const done = ({ ret, ticket, randstr, errorCode }) => {
      // If its service is unavailable, the widget issues tickets without proof (trerror_…).
      if (ret === 0 && ticket && !errorCode) solved(new URLSearchParams({ ticket, randstr }));
      else failed();
    };
    new window.TencentCaptcha(site_key, done, { userLanguage: chinese ? "zh-cn" : "en" }).show();
  },

  async yidun({ site_key }, solved, failed) {
    await load("https://cstaticdun.126.net/load.min.js");
    window.initNECaptcha(
      {
        captchaId: site_key,
        element: box,
        mode: "embed",
        width: "auto",
        lang: chinese ? "zh-CN" : "en",
        onVerify: (error, data) => error || solved(data.validate),
      },
      () => {},
      failed,
    );
  },
};

async function start() {
  const captcha = JSON.parse(box.dataset.captcha);
  instead.hidden = false;
  instead.addEventListener("click", workInstead);
  const timeout = setTimeout(workInstead, GIVE_UP_AFTER_MS);
  try {
    await widgets[captcha.provider](captcha, (token) => send(captcha.provider, token), workInstead);
    clearTimeout(timeout);
  } catch {
    workInstead();
  }
}

if (box) start();
