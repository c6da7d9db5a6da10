/* The parts of ECharts that themes/default/static/chart-options.js draws with; tools/frontend.py bundles them.
   The legacy feature is what `containLabel` of a grid needs: without it, axis labels are cut off. */
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, setPlatformAPI, use } from 'echarts/core';
import { LegacyGridContainLabel } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, TooltipComponent, LegacyGridContainLabel, SVGRenderer]);
export { init, setPlatformAPI };
