/* What ECharts is told to draw, for a page and for its worker. `look` holds the font and the theme's tokens. */
(function (scope) {
  'use strict';
  var tokens = ['ink', 'ink-3', 'overlay', 'line', 'line-2', 'surface', 'negative', 'negative-gfx'];

  function short(n) {
    var size = Math.abs(n);
    if (size >= 1e6) return (n / 1e6).toFixed(1) + 'm';
    if (size >= 1000) return (n / 1000).toLocaleString('en', { maximumFractionDigits: 1 }) + 'k';
    return n.toLocaleString('en');
  }
  function full(n) { return n === null || n === undefined ? '–' : n.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 }); }

  function series(one, data, colour) {
    var rounded = one.top || data.series.filter(function (s) { return s.type === 'bar'; }).length === 1;
    if (one.type === 'bar') return { name: one.name, type: 'bar', stack: one.stack || 'a', data: one.data, barMaxWidth: data.bar || 22, itemStyle: { color: colour(one.c), borderColor: colour('surface'), borderWidth: rounded ? 0 : 1, borderRadius: rounded ? [3, 3, 0, 0] : 0 } };
    if (one.type === 'tick') return { name: one.name, type: 'scatter', symbol: 'rect', symbolSize: [40, 5], z: 5, data: one.data, itemStyle: { color: colour(one.c), borderColor: colour('surface'), borderWidth: 1.5, opacity: 1 } };
    return { name: one.name, type: 'line', data: one.data, showSymbol: Boolean(one.sym), symbol: 'circle', symbolSize: 6, step: one.step, lineStyle: { color: colour(one.c), width: 2, type: one.dash ? [4, 4] : 'solid' }, itemStyle: { color: colour(one.c), borderColor: colour('surface'), borderWidth: 1.5 }, areaStyle: one.area ? { color: colour(one.c), opacity: 0.1 } : undefined };
  }

  function options(data, look) {
    var colour = function (name) { return look.colours[name]; };
    var font = { fontFamily: look.font, fontSize: 11.5, color: colour('ink-3') };
    var made = {
      animation: false, textStyle: font, grid: { left: 8, right: 8, top: 12, bottom: 4, containLabel: true },
      tooltip: { trigger: 'axis', backgroundColor: colour('overlay'), borderColor: colour('line'), textStyle: Object.assign({}, font, { color: colour('ink') }), valueFormatter: full },
      xAxis: { type: 'category', data: data.x, axisLine: { lineStyle: { color: colour('line-2') } }, axisTick: { show: false }, axisLabel: Object.assign({}, font, { interval: data.every === undefined ? 'auto' : data.every }) },
      yAxis: { type: 'value', splitNumber: 4, interval: data.step, min: data.min, max: data.max, splitLine: { lineStyle: { color: colour('line') } }, axisLabel: Object.assign({}, font, { formatter: short }) },
      series: data.series.map(function (one) { return series(one, data, colour); })
    };
    if (data.mark && made.series.length) made.series[0].markLine = { silent: true, symbol: 'none', lineStyle: { color: colour('negative-gfx'), type: [4, 3] }, label: Object.assign({}, font, { formatter: data.mark[1], position: 'insideStartTop', color: colour('negative') }), data: [{ yAxis: data.mark[0] }] };
    return made;
  }

  /* The names of the tokens that a chart of this data is drawn with. */
  function used(data) { return tokens.concat(data.series.map(function (one) { return one.c; })); }

  scope.mqChart = { options: options, used: used };
})(self);
