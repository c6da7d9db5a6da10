/* Draws charts beside the page: the library is read and run here, and the page only takes over a picture. */
'use strict';
self.onmessage = function (event) {
  var asked = event.data;
  if (asked.files) {
    importScripts.apply(self, asked.files);
    echarts.setPlatformAPI({ createCanvas: function () { return new OffscreenCanvas(1, 1); } });
    return;
  }
  var chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: asked.width, height: asked.height });
  chart.setOption(mqChart.options(asked.data, asked.look));
  self.postMessage({ at: asked.at, turn: asked.turn, svg: chart.renderToSVGString() });
  chart.dispose();
};
