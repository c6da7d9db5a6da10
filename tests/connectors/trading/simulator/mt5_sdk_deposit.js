// Opens an account and deposits into it with the public client mt5-sdk, unchanged.
const MetaTrader = require("mt5-sdk");

const [port, login] = process.argv.slice(2);
const platform = new MetaTrader("127.0.0.1", Number(port), {
  login,
  password: process.env.MT5_API_PASSWORD,
  build: "3470",
  agent: "Stranger",
});

async function main() {
  const user = await platform.users.create({
    Group: "real\\MM\\STD-USD",
    Name: "Stranger's Client",
    PassMain: "Stranger-Pass1",
    PassInvestor: "Stranger-Pass2",
    Leverage: "100",
    ID: "xstranger",
    Comment: "xstrangeraccount",
  });
  const account = user ? user.Login : "500001";
  const balance = await platform.trade.updateTradeBalance({
    login: account,
    type: 2,
    balance: "250.75",
    comment: "xstrangerdeposit",
  });
  process.stdout.write(JSON.stringify({ user, balance }) + "\n");
}

main().then(() => process.exit(0));
