import { describe } from '@jest/globals';
import { agentStories } from './nginx-agent-stories.ts';

describe('genops nginx-agent before nginx 1.31', () => agentStories('1.31'));
